"""The atlas: a static site with a page for each cell, which works from a file or any web server.

facts       a cell                ->  what its page and the index say of it
story       its equations         ->  a step told in words
brief       a cell                ->  what the page's own script has to know
code        a cell, or any code   ->  code to be shown
neighbours  all cells             ->  for each, those that are most like it
build       cells                 ->  the files of the site
"""
