"""How good is a reranker, and what did it cost? Read the data sets and run files of the field, rank them, measure.

::

    lines       text and JSON lines, plain or gzip, with the place of every error
    qrels       relevance judgements                      runs      TREC runs, read and written
    requests    queries with their candidates             corpus    documents, streamed
    folder      which file is what                    datasets  a folder of these becomes a Dataset
    measures    names of measures, and their values       report    the result as a value; table shows it
    evaluate    a reranker or a run over a Dataset        experiment  all of it, for the command line
"""
