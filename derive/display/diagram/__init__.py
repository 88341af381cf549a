"""Diagrams: a cell drawn from its equations.

graph      a cell's equations     ->  layers, operations and the lines between them
place      a graph                ->  columns and rows, by convention
grid, route                       ->  the ways of its lines
arrange                           ->  the best arrangement found
tracks, draw                      ->  a scene: shapes with places, roles and names
backward, emphasis, loop, beside, chain   other scenes of the same cell
svg, tikz, files                  ->  text, in the form that a suffix says
"""
