"""How fast faces are drawn on one core, how many a stock detector finds, and whether age can be learnt from them.

python benchmarks/drawn_faces.py            # speed and detector
python benchmarks/drawn_faces.py --learn    # and a small network on 40 x 40 pixels, about a minute
"""

import argparse
import time

import _report
import cv2
import numpy as np
import pandas as pd

from agelib import drawn
from agelib.drawn.planning import plan


def measure_speed(pictures: int, size: int) -> float:
    """Pictures per second on one core, drawing and JPEG encoding; the best of five rounds."""
    people = [drawn.make_person(k) for k in range(pictures)]
    rounds = []
    for _ in range(5):
        start = time.process_time()
        for k, person in enumerate(people):
            picture = drawn.take_picture(person, k * 95 / pictures, (0, k))
            cv2.imencode(".jpg", drawn.draw(person, picture, size), [cv2.IMWRITE_JPEG_QUALITY, picture.quality])
        rounds.append(pictures / (time.process_time() - start))
    return max(rounds)


def measure_detector(pictures: int) -> dict:
    """Share of faces and of scenes in which OpenCV's frontal-face cascade finds a face, on 128 pixels."""
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")

    def found(image):
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return len(cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=4, minSize=(32, 32))) > 0

    ages = np.random.default_rng(1).uniform(0, 95, pictures)
    faces = drawn.draw_faces(range(pictures), ages)
    frontal = drawn.draw_faces(range(pictures), ages, plain=True)
    scenes = [drawn.draw_scene((2, k)) for k in range(pictures)]
    groups = {"faces": faces, "frontal faces in even light": frontal, "scenes": scenes}
    return {name: float(np.mean([found(image) for image in images])) for name, images in groups.items()}


def measure_learning(pictures: int = 1800, side: int = 40, epochs: int = 10) -> tuple[float, float]:
    """MAE in years, on people that were not trained on, of a small network and of always the mean age."""
    import torch
    from torch import nn

    table = plan("imdb-wiki", pictures, 42, drawn.Faults.none())
    images = []
    for k, row in enumerate(table.itertuples()):
        person = drawn.make_person(row.person, 42, row.gender, row.ethnicity)
        picture = drawn.take_picture(person, row.true_age + row.part_of_year, (42, k))
        images.append(cv2.resize(drawn.draw(person, picture, 64), (side, side), interpolation=cv2.INTER_AREA))
    ages, test = table["true_age"].to_numpy(float), table["person"].to_numpy() % 6 == 0
    mean, spread = ages[~test].mean(), ages[~test].std()
    torch.manual_seed(0)
    x = torch.tensor(np.stack(images)).permute(0, 3, 1, 2).float() / 255  # [N, 3, S, S]
    x = (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True)
    y = torch.tensor((ages - mean) / spread).float()[:, None]

    def block(inputs, outputs):
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(outputs), nn.MaxPool2d(2)
        )

    hidden = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * (side // 8) ** 2, 64), nn.ReLU())
    network = nn.Sequential(block(3, 16), block(16, 32), block(32, 64), hidden, nn.Linear(64, 1))
    rows = torch.tensor(np.flatnonzero(~test))
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
    steps = epochs * -(-len(rows) // 32)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    generator = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for batch in rows[torch.randperm(len(rows), generator=generator)].split(32):
            shown = x[batch].flip(3) if torch.rand(1, generator=generator) < 0.5 else x[batch]
            loss = (network(shown) - y[batch]).abs().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    network.eval()
    with torch.no_grad():
        predicted = network(x[test])[:, 0].numpy() * spread + mean
    return float(np.abs(predicted - ages[test]).mean()), float(np.abs(mean - ages[test]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=300, help="pictures to draw for each measurement")
    parser.add_argument("--size", type=int, default=128, help="side of the pictures whose drawing is timed")
    parser.add_argument("--learn", action="store_true", help="also train a small network")
    parser.add_argument("--reports", default=_report.FOLDER, help="where the report goes")
    options = parser.parse_args()
    about = _report.provenance(pictures=f"{options.pictures} drawn faces", opencv=cv2.__version__)
    cv2.setNumThreads(1)
    rate = measure_speed(options.pictures, options.size)
    found = {f"pictures drawn and encoded a second, {options.size} px, one core": round(rate)}
    for name, share in measure_detector(options.pictures).items():
        found[f"{name} in which the cascade finds a face, %"] = round(100 * share, 1)
    if options.learn:
        import torch

        torch.set_num_threads(1)
        start = time.perf_counter()
        network, mean = measure_learning()
        found["MAE of a small network, years"] = round(network, 2)
        found["MAE of always the mean age, years"] = round(mean, 2)
        found["seconds of its training, one core"] = round(time.perf_counter() - start)
    table = pd.DataFrame({"measure": list(found), "value": list(found.values())})
    print(table.to_string(index=False))
    said = "How fast faces are drawn, and whether a stock detector takes them for faces and plain scenes for none."
    print(_report.write("drawn_faces", "Drawn faces", said, table, about, folder=options.reports))


if __name__ == "__main__":
    main()
