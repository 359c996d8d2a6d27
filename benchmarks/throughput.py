"""Pictures a second of networks at several batch sizes, as in study D.

python benchmarks/throughput.py                               # ten networks at 64 pixels, under two minutes
python benchmarks/throughput.py resnet18 vgg16_bn --size 224 --batches 1,50,100,400
python benchmarks/throughput.py --write data/reference        # also as table, with where it comes from
"""

import argparse
import json

from agelib import throughput


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(throughput.NAMES), help="networks")
    parser.add_argument("--size", type=int, default=64, help="side of the pictures, in pixels")
    parser.add_argument("--batches", default="1,8,32,100", help="batch sizes, joined by commas")
    parser.add_argument("--seconds", type=float, default=10, help="about how long a network may take")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", help="cpu or cuda; a GPU where there is one by default")
    parser.add_argument("--precision", default="float32", help="float32, bf16 or fp16")
    parser.add_argument("--clock", default="wall", help="wall; or processor, on a CPU that others use too")
    parser.add_argument("--write", metavar="FOLDER", help="also write the table and its provenance there")
    chosen = parser.parse_args()
    options = {
        "image_size": chosen.size,
        "batch_sizes": tuple(int(size) for size in chosen.batches.split(",")),
        "seconds": chosen.seconds,
        "repeats": chosen.repeats,
        "precision": chosen.precision,
        "clock": chosen.clock,
        "progress": True,
    }
    if chosen.write:
        table = throughput.reference(chosen.write, chosen.names, chosen.device, **options)
    else:
        table = throughput.measure(chosen.names, device=chosen.device, **options)
    rates = table.pivot(index="network", columns="batch_size", values="pictures_per_second").round(1)
    parameters = table.groupby("network")["parameters"].first()
    print(json.dumps(throughput.provenance(chosen.device)))
    print(
        f"pictures a second ({chosen.clock} clock) at {chosen.size} pixels, median of up to {chosen.repeats} repeats; "
        f"the threads had a core for {100 * table['busy'].median():.0f} % of the time"
    )
    print(rates.assign(parameters=parameters).loc[list(dict.fromkeys(chosen.names))].to_string())


if __name__ == "__main__":
    main()
