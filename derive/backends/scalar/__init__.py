"""What languages with flat arrays and scalar loops have in common: JavaScript and C.

entries   one number of a flat array, as text
places    where each number of a routine lies
routine   a routine's statements under its names
lines     long lines, folded
"""
