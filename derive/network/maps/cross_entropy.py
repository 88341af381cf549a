"""The loss of a choice among classes."""

from derive.language import Axis, Input, Map, exp, largest, log, stop_gradient, sum

O = Axis("O", "output_size")


class CrossEntropy(Map):
    """Cross entropy of the classes' probabilities, softmax(y), and a target: the share that each
    class has in it, 1 and 0 where it is one class. Nothing in it overflows; the largest y only
    shifts both terms, and so has no derivative."""

    y, target = Input(O), Input(O)

    top = stop_gradient(largest(y))
    e = exp(y - top)
    total = sum(e)
    log_p = y - top - log(total)
    loss = -sum(target * log_p)
