"""A link for students: it fetches a repository into their JupyterHub with nbgitpuller, and opens a notebook."""

from urllib.parse import urlencode, urlsplit


def hub_link(hub: str, repository: str, notebook: str, branch: str = "main") -> str:
    """Make the link.

    Parameters
    ----------
    hub, repository : str
        Addresses, such as https://hub.example.org and https://git.example.org/course.git.
    notebook : str
        Path in the repository.
    branch : str

    Raises
    ------
    ValueError
        If an address is none.

    Examples
    --------
    >>> hub_link("https://hub.example.org/", "https://git.example.org/course.git", "notebooks/03_splits.ipynb")
    ... # doctest: +ELLIPSIS
    'https://hub.example.org/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgit.example.org%2Fcourse.git&urlpath=lab...'
    """
    for name, address in (("hub", hub), ("repository", repository)):
        parts = urlsplit(address)
        if parts.scheme not in ("https", "http") or not parts.netloc:
            raise ValueError(f"{name}: {address!r} is no address; it begins with https://")
    folder = urlsplit(repository).path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    query = urlencode({"repo": repository, "urlpath": f"lab/tree/{folder}/{notebook}", "branch": branch})
    return f"{hub.rstrip('/')}/hub/user-redirect/git-pull?{query}"
