"""Diagrams: a cell drawn from its equations.

graph      a cell's equations     ->  layers, operations and the lines between them
place      a graph                ->  columns and rows, by convention
grid, ports, estimate             ->  where lines may run, end, and what that costs
search, route                     ->  the ways of its lines
arrange                           ->  the best arrangement found
tracks, draw                      ->  a scene: shapes with places, roles and names
carried, backward                 ->  a scene of what its lines carry backwards
emphasis, loop, beside, chain     ->  other scenes of the same cell
key                               ->  what the signs in a scene mean, below it
svg, tikz, files                  ->  text, in the form that a suffix says
"""
