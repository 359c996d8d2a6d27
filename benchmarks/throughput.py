"""Pictures a second of networks at several batch sizes, as in study D.

python benchmarks/throughput.py                               # ten networks at 64 pixels, under two minutes
python benchmarks/throughput.py resnet18 vgg16_bn --size 224 --batches 1,50,100,400
python benchmarks/throughput.py --write data/reference        # also as table, with where it comes from
"""

import argparse

import _report

from agelib.deploy import throughput


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
    parser.add_argument("--reports", default=_report.FOLDER, help="where the report goes")
    chosen = parser.parse_args()
    about = _report.provenance(
        device=chosen.device or "", precision=chosen.precision, image_size=chosen.size, clock=chosen.clock
    )
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
    rates = rates.rename(columns="batch of {}".format).assign(parameters=parameters)
    rates = rates.loc[list(dict.fromkeys(chosen.names))].reset_index()
    said = (
        f"Pictures a second that networks with random weights judge, median of up to {chosen.repeats} repeats "
        f"({chosen.clock} clock); the threads had a core for {100 * table['busy'].median():.0f} % of the time."
    )
    print(rates.to_string(index=False))
    print(_report.write("throughput", "Throughput of networks", said, rates, about, folder=chosen.reports))


if __name__ == "__main__":
    main()
