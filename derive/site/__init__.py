"""The atlas: a static site with a page for each cell, which works from a file or any web server.

facts       a cell                ->  what its page and the index say of it
neighbours  all cells             ->  for each, those that are most like it
build       cells                 ->  the files of the site
"""
