"""The commands of the command line, by what they are about: a file a group. Explained in "For operators"."""
