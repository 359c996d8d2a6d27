"""The cellar: the workspace, keys, progress, logs, processes. It knows no face and no age."""
