"""Experiments: running one, searching among many, and what others published. Explained in chapter 05."""
