"""The exercises of the notebooks, one file each: `l04.py` judges what is asked in notebook 04."""
