"""Reading and writing the files of a format; no module here knows a data set or a transform."""
