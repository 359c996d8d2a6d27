"""The smallest experiment that trains in a second or two and leaves each part some pictures; tests add to it."""

MINIATURE = {
    "source": "drawn-utkface",
    "pictures": 160,
    "detector": "none",
    "min_pictures_per_age": 1,
    "image_size": 16,
    "blocks": 2,
    "base_features": 4,
    "hidden_neurons": 8,
    "epochs": 1,
}
