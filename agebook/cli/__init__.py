"""The commands of ``agebook``, by what they are about: a file a group. Explained in "For operators"."""
