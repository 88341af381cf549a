def latex_block(adjoint):
    return ""
