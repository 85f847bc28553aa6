"""A sample source: a whole real state, with synthetic students, in the form of an Ed-Fi ODS.

`load.load_sample` loads it, `directory.write_directory_files` lists its organizations and people.

Reading order: state (real organizations and totals), layout, students, enrollments, programs, events, staff,
injected_errors, then schema, copy_rows, descriptors and ods_* (how it is written), grand_bend, load. Nothing here is
imported before a sample is made: it needs numpy.
"""
