"""The page's widget: its script takes a picture and sends the bytes, its handler answers. Explained in chapter 25.

A picture travels in a message of its own and is no part of the widget's state, so nothing keeps it once it is answered.
"""

from pathlib import Path

import anywidget
import traitlets

from agebook.app.inference import LARGEST_BYTES, judge
from agebook.app.render import tell, tell_of_model


class Page(anywidget.AnyWidget):
    """A file input, a camera, and what a model says of the faces in the picture that comes from either.

    Parameters
    ----------
    model : agelib.deploy.Model
    detector, level
        As for :func:`agelib.deploy.predict.predict_in_batches`.
    """

    _esm = Path(__file__).with_name("page.js")
    _css = Path(__file__).with_name("page.css")

    #: Bytes that a picture may have: the script does not send a larger one.
    limit = traitlets.Int(LARGEST_BYTES).tag(sync=True)

    #: What is said of the model, as HTML.
    about = traitlets.Unicode().tag(sync=True)

    def __init__(self, model, detector: str = "cascade", level: float = 0.9):
        super().__init__(about=tell_of_model(model))
        self._model, self._detector, self._level = model, detector, level
        self.on_msg(self._receive)

    def _receive(self, _widget, content: dict, buffers: list) -> None:
        """Answer a message that holds a picture's number and name, and its bytes."""
        number, name = content["number"], str(content["name"])[:80] or "the picture"
        try:
            told, problem = self._answer(bytes(buffers[0]), name), ""
        except ValueError as error:
            told, problem = "", str(error)
        except Exception:
            self.send({"number": number, "told": "", "problem": "This picture could not be judged."})
            raise
        self.send({"number": number, "told": told, "problem": problem})

    def _answer(self, data: bytes, name: str) -> str:
        judged = judge(self._model, data, name, self._detector, self._level)
        return tell(judged, name, self._level)
