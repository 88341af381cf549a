from derive.language import Cell, H, I, Input, Matrix, Output, State, Vector, cos, exp, sin


class LRU(Cell, family="Linear"):
    """Linear recurrent unit: complex eigenvalues, each decaying and turning at a rate it learns.

    Orvieto, Smith, Gu, Fernando, Gulcehre, Pascanu & De (2023), Resurrecting recurrent neural
    networks for long sequences, ICML, arXiv 2303.06349, section 3. A complex state is two real
    ones. The authors spread the eigenvalues exp(-exp(nu) + i exp(theta)) over a ring, and set gamma
    so that the state is as large as its input, whatever its memory; here all start at one place in
    that ring.
    """

    x = Input()
    h_re, h_im = State(), State()
    B, C, D = Matrix(H, I, names="re im"), Matrix(I, H, names="re im"), Vector(I)
    nu, theta, gamma = Vector(H, at=-3), Vector(H), Vector(H, at=-1.2)

    r, phi = exp(-exp(nu)), exp(theta)
    a, b, g = r * cos(phi), r * sin(phi), exp(gamma)
    h_re_next = a * h_re - b * h_im + g * (B.re @ x)
    h_im_next = a * h_im + b * h_re + g * (B.im @ x)
    y = Output(C.re @ h_re_next - C.im @ h_im_next + D * x)
