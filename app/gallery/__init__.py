"""A static site over many images: an index with thumbnails, and for each image its interactive page.

`scripts.gallery` is the command. It runs `python -m app.gallery`, because no script imports the app.

    index.html            the index, with what is known of every image
    pages/ID.html         the page of one image; its record is in it
    thumbs/ID.jpg         the image with the CAM of the class with the highest score
    shared/               what all pages load: the viewer's modules and template, its style, plotly.js
    .gallery/ID.json      what the page of an image was made of, and its line of the index
    .nojekyll             an empty file, with which GitHub Pages serves all others as they are

A browser opens the site from the disk as well as from a server: it fetches nothing by script. Pages opened from the
disk may load classic scripts, styles and images from other files, but neither ES modules nor JSON. So the modules are
in `shared/viewer.js`, a classic script that puts them into the page as text, and `standalone/boot.js` opens them from
there as in a file of its own (`app.viewer.saved_page`); plotly.js is loaded with the first chart. The policy of each
page allows these files and no connection.
"""
