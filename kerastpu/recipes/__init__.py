"""The two ways to train: a head on kept features, or the whole network."""

from kerastpu.recipes.head import train_head
from kerastpu.recipes.task import Task
from kerastpu.recipes.whole import train_all

RECIPES = {"features": train_head, "end_to_end": train_all}

__all__ = ["RECIPES", "Task", "train_all", "train_head"]
