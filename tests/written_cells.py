"""Cells to test what people read with: one for every word of the language, and unpleasant ones."""

from __future__ import annotations

from derive.language import (
    Axis,
    Cell,
    H,
    Heads,
    I,
    Input,
    Matrix,
    Output,
    Scalar,
    State,
    StepNumber,
    Vector,
    absolute,
    cos,
    exp,
    expm1,
    floor,
    largest,
    log,
    log1p,
    log_sigmoid,
    maximum,
    mean,
    minimum,
    outer,
    relu,
    sigmoid,
    sign,
    sin,
    softmax,
    softplus,
    sqrt,
    stop_gradient,
    sum,
    surrogate,
    tanh,
    where,
)


class GRU(Cell):
    """Gated recurrent unit.

    Cho et al. (2014), Learning phrase representations.
    """

    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    z = sigmoid(W.z @ x + U.z @ h + b.z)
    r = sigmoid(W.r @ x + U.r @ h + b.r)
    n = tanh(W.n @ x + U.n @ (r * h) + b.n)
    h_next = (1 - z) * h + z * n


class Norm(Cell):
    """Recurrent network with layer normalisation."""

    x = Input()
    h = State()
    W, U, b, gamma = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H)

    a = W @ x + U @ h
    mu = mean(a)
    v = mean((a - mu) ** 2)
    n = (a - mu) / sqrt(v + 1e-5)
    h_next = tanh(gamma * n + b)


class Decay(Cell):
    """Memory that decays at a trained rate."""

    x = Input()
    h, s = State(), State()
    W, U, alpha, rate = Matrix(H, I), Matrix(H, H), Scalar(), Scalar()

    k = exp(-rate)
    u = maximum(W @ x + U @ h, alpha * h)
    s_next = (1 - k) * s + k * absolute(u) ** 3 / 2
    q = minimum(u, 1) / (1 + s_next)
    h_next = 2 * q - alpha * softplus(q) + sum(q) * rate


class Words(Cell):
    """Every other word of the language."""

    x = Input()
    h = State()
    W, U = Matrix(H, I), Matrix(H, H)

    a = W @ x + U @ h
    e = sin(a) * relu(a) - cos(a) * sign(h)
    y = Output(log(1 + e**2) / 3 + h / sqrt(2 + h**2))
    h_next = tanh(U @ tanh(h) + y)


class Tails(Cell):
    """Words that are accurate where others are not, and choices."""

    x = Input()
    h, s = State(), State()
    W, U, g = Matrix(H, I), Matrix(H, H), Vector(H)

    z = W.z @ x + U.z @ h
    i = sigmoid(W.i @ x)
    k = log_sigmoid(z) + log(i)
    e = sqrt(-expm1(2 * k)) + log1p(z**2)
    u = where(s > g, h, where(h + z <= s / 4, g * tanh(s), 0)) + where(s >= 1, 1, 0) * h
    w = h - floor(3 * h)
    s_next = e * tanh(s) + u + sin(w)
    h_next = tanh(s_next)


class Spikes(Cell):
    """Words with a derivative that is declared or stated, and a matrix that is not trained."""

    x = Input()
    s, v = State(), State()
    W, L = Matrix(H, I), Matrix(H, H, trained=False, at=lambda i, j: where(i >= j, 1, 0))

    z = W.z @ x + v
    a = softmax(z)
    v_next = L @ a * largest(v) / sqrt(H) + W.v @ x - stop_gradient(s)
    u = v_next - 1
    s_next = surrogate(where(u > 0, 1, 0), u / (1 + absolute(u)))


class Unpleasant(Cell):
    """100% of $cells_ have #hashes & {braces} \\ back~slashes^2 <tags> | "quotes" 'q' `code` %.

    Größe, naïve, Łódź, ångström, œuvre; σ(x) ≤ ½ · ∂y/∂x² → ∞ … – — “so” 中文 😀 \x07.

    https://example.org/a/long/path_with_underscores/that%20goes/on/and/on/and/on/and/on?q=1&x=2#z.
    \\input{/etc/passwd} \\end{document} aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    """

    x_input_of_the_cell = Input()
    state_of_the_whole_cell, c_ = State(), State()
    W, U = Matrix(H, I), Matrix(H, H, names="one two three four five six seven eight")
    lambda_, a__b, a_b, kappa_2 = Vector(H), Vector(H), Vector(H), Vector(H)

    gate_with_a_name_of_many_words_and_of_many_letters_in_them = sigmoid(
        W.gate_with_a_name_of_many_words_and_of_many_letters_in_them @ x_input_of_the_cell
        + U.one @ state_of_the_whole_cell
        + a__b
        + a_b
    )
    x2 = tanh(U.two @ state_of_the_whole_cell)
    x_2 = tanh(U.three @ state_of_the_whole_cell + x2 * kappa_2)
    sum_of_eight_terms_ = (
        U.one @ state_of_the_whole_cell
        + U.two @ state_of_the_whole_cell
        + U.three @ x_2
        + U.four @ c_
        + U.five @ state_of_the_whole_cell
        + U.six @ state_of_the_whole_cell
        + U.seven @ state_of_the_whole_cell
        + U.eight @ x2
    )
    product_of_long_names = (
        gate_with_a_name_of_many_words_and_of_many_letters_in_them
        * sum_of_eight_terms_
        * state_of_the_whole_cell
        * lambda_
        * tanh(c_)
        / (
            gate_with_a_name_of_many_words_and_of_many_letters_in_them
            + 1.5e-7
            + sum_of_eight_terms_**2
            + sqrt(lambda_**2 + state_of_the_whole_cell**2 + sum_of_eight_terms_**2)
        )
    )
    c__next = product_of_long_names + c_
    state_of_the_whole_cell_next = c__next * (product_of_long_names + x_2 + c_ + a_b) - lambda_


class Long(Cell):
    """Names as long as nobody has them."""

    x = Input()
    h, mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm = (
        State(),
        State(),
    )
    W, U, wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww = (
        Matrix(H, I),
        Matrix(H, H),
        Matrix(H, H),
    )

    h_next = tanh(
        W @ x
        + U @ h
        + wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww
        @ mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm
    )
    mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm_next = (
        h_next * mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm
    )


class Delta(Cell):
    """A matrix memory: rows and columns scaled, a product erased and another written, and a number
    that counts."""

    K, V = Axis("K", "key_size"), Axis("V", "value_size")
    x = Input()
    S, n = State(K, V), State(1)
    W, P = Matrix(K, I), Matrix(V, I)

    k = W.k @ x
    v = P.v @ x
    f = sigmoid(W.f @ x)
    g = sigmoid(P.g @ x)
    D = f * S * g - S / 4
    n_next = tanh(n) + mean(k)
    S_next = n * D + outer(k, v - D.T @ k)
    y = Output(S_next.T @ k + sum(S_next, K))


class Slots(Cell):
    """Gated slots: each head reads by a softmax over its own, and knows its largest entry."""

    N, M, V = Heads(), Axis("M", "slots"), Axis("V", "value_size")
    x = Input()
    S, r = State(N, M, V), State(N, M)
    W, P = Matrix(N, M, I), Matrix(N, V, I)

    f = sigmoid(W.f @ x + r)
    v, q, b = P.v @ x, P.q @ x, W.b @ x
    S_next = f * S + outer(1 - f, v)
    a = softmax(S_next @ q)
    r_next = a * largest(b * r)
    y = Output(S_next.T @ a)


class Blocks(Cell):
    """Square matrices for each head, and their transposes: the blocks of a matrix that has nothing
    outside them. One vector is shared by all heads."""

    N, D = Heads(), Axis("D", "head_size")
    x = Input()
    h, c = State(N, D), State(N, D)
    W, R, b, p = Matrix(N, D, I), Matrix(N, D, D, names="z"), Vector(N, D), Vector(D)

    f = sigmoid(W.f @ x + R.f @ h + b.f + sum(R.z.T @ b.f, N))
    g = tanh(W.g @ x - R.g.T @ (f * h) + R.c @ p)
    c_next = f * c + (1 - f) * g
    h_next = Output(R.h @ c_next - R.h.T @ b.f)


class Squares(Cell):
    """Memories whose rows and columns have one axis, and masks on weights: products with sums and
    products of matrices, of parameters alone and with what a step made."""

    x = Input()
    h, F, G = State(), State(H, H), State(H, H, start=0.1)
    W, U, A, E, r = Matrix(H, I), Matrix(H, H), Matrix(H, H), Matrix(H, H), Scalar(at=0.5)
    M = Matrix(H, H, trained=False, at=lambda i, j: where(i > j, 1, -0.5))
    Q = Matrix(H, I, trained=False, at=lambda i, j: where(i > j, 1, 2))
    one = Vector(H, trained=False, at=1)

    u = (Q * W.u) @ x
    v = tanh((M * U.v) @ h + (A.v - A.v.T) @ u)
    k = sigmoid((A.k * E.k) @ h)
    g = sigmoid(mean(F, H, H) + sum(h))
    G_next = tanh(G) * F - outer(v, v) / H + A.g
    F_next = r * g * F + outer(k, v) * G_next - E.F * outer(k, one) * F
    y = Output((A.h * F_next) @ v + F_next.T @ u + G.T @ h + largest(k))
    h_next = tanh(y + (E.F + M) @ h)


class Shared(Cell):
    """Square memories for each head, with products that all heads share."""

    N, D, K = Heads(), Axis("D", "head_size"), Axis("K", "key_size")
    x = Input()
    h, F, S = State(N, D), State(N, D, D), State(N, K, D)
    W, A, P, p, b = Matrix(D, I), Matrix(D, D), Matrix(K, I), Vector(D), Vector(N)

    v = W.v @ x
    k = P.k @ x
    u = tanh(b + W.u @ x + h + A.u @ p + (A.u * A.h) @ v)
    F_next = F / 2 + outer(v, v) + outer(u, v) * sigmoid(F) * b
    S_next = S / 2 + outer(k, v) * tanh(S) + outer(k, u)
    h_next = F_next @ u + S_next.T @ k + A.h @ v


class Still(Cell):
    """A state that nothing has a derivative by, beside a product of parameters: some routines have
    nothing to do in a step, others a product to make before the first one."""

    x, k = Input(), StepNumber()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    h_next = sign(h) + W @ x + U @ b + k


class Fading(Cell):
    """A memory that has nothing to learn."""

    x = Input(H)
    h = State()

    h_next = tanh(h / 2 + x)


MATRICES = [Delta, Slots, Blocks, Shared, Squares]
IDLE = (Still, Fading)
READABLE = (GRU, Norm, Decay, Words, Tails, Spikes)
UNPLEASANT = (Unpleasant, Long)
