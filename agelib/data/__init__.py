"""Data sets: reading, cleaning, duplicates, face detection, splits. Explained in chapters 01 to 03."""
