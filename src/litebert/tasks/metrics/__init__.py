"""The official scores of the tasks, in plain numpy and Python."""

from litebert.tasks.metrics.choice import choice_scores as choice_scores
from litebert.tasks.metrics.classification import ClassificationScores as ClassificationScores
from litebert.tasks.metrics.classification import ClassScores as ClassScores
from litebert.tasks.metrics.classification import FloatArray as FloatArray
from litebert.tasks.metrics.classification import IntArray as IntArray
from litebert.tasks.metrics.classification import accuracy as accuracy
from litebert.tasks.metrics.classification import binary_f1 as binary_f1
from litebert.tasks.metrics.classification import class_scores as class_scores
from litebert.tasks.metrics.classification import classification_scores as classification_scores
from litebert.tasks.metrics.classification import confusion_matrix as confusion_matrix
from litebert.tasks.metrics.classification import log_loss as log_loss
from litebert.tasks.metrics.classification import macro_f1 as macro_f1
from litebert.tasks.metrics.correlation import matthews as matthews
from litebert.tasks.metrics.correlation import pearson as pearson
from litebert.tasks.metrics.correlation import spearman as spearman
from litebert.tasks.metrics.squad import QuestionScores as QuestionScores
from litebert.tasks.metrics.squad import answer_scores as answer_scores
from litebert.tasks.metrics.squad import normalise_answer as normalise_answer
from litebert.tasks.metrics.squad import question_scores as question_scores
from litebert.tasks.metrics.squad import squad_v1 as squad_v1
from litebert.tasks.metrics.squad import squad_v2 as squad_v2
