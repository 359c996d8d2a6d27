"""The list of all diagrams: each a function that draws one sheet."""

from agebook.build.diagrams import attention, convolutions, data, deeper, learning, living, scaling, transferring

#: What is drawn, in the order in which the book shows it.
DRAWINGS = (
    data.way_of_the_data,
    data.split_and_leak,
    data.dataset_to_batch,
    learning.gradient_descent,
    learning.chain_rule,
    convolutions.convolution,
    convolutions.receptive_field,
    convolutions.batch_norm,
    deeper.vgg_and_inception,
    deeper.residual_block,
    scaling.mbconv,
    scaling.compound_scaling,
    attention.attention,
    attention.swin_block,
    transferring.transfer,
    living.step_convolution,
    living.follow_gradient,
    living.swin_windows,
    living.slide_phi,
)


def draw_all() -> dict[str, str]:
    """Draw every diagram: name → SVG.

    >>> "convolution" in draw_all()
    True
    """
    sheets = [draw() for draw in DRAWINGS]
    return {sheet.name: sheet.svg() for sheet in sheets}
