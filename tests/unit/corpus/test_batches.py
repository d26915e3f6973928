import numpy as np

from fakes import MemoryCorpus
from litebert.corpus.batches import collate
from litebert.corpus.instances import InstanceSettings
from litebert.corpus.spans import whole_documents
from litebert.corpus.stream import InstanceStream
from litebert.foundation.randomness import Position


def test_instances_lie_end_to_end_longest_first():
    corpus = MemoryCorpus([[7, 30, 4, 22, 15] * 8, [3], [90]])
    spans, settings = whole_documents(corpus), InstanceSettings(max_length=64)
    instances, _ = InstanceStream(corpus, spans, settings, 0, corpus.pieces()).take(Position(), 16)
    batch = collate(instances)
    assert batch.lengths.tolist() == sorted((len(i.ids) for i in instances), reverse=True)
    rows = sorted(instances, key=lambda i: len(i.ids), reverse=True)
    start = masked = 0
    for row, instance in enumerate(rows):
        tokens = slice(start, start + len(instance.ids))
        chosen = slice(masked, masked + len(instance.positions))
        assert (batch.input_ids[tokens] == instance.ids).all()
        assert (batch.segment_ids[tokens] == instance.segment_ids).all()
        assert (batch.masked_positions[chosen] == instance.positions + start).all()
        assert (batch.masked_labels[chosen] == instance.labels).all()
        assert batch.order_labels[row] == instance.order
        assert batch.order_weights[row] == instance.order_weight
        start, masked = tokens.stop, chosen.stop
    assert start == len(batch.input_ids) == len(batch.segment_ids)
    assert masked == len(batch.masked_positions) == len(batch.masked_labels)
    assert batch.input_ids.dtype == batch.masked_positions.dtype == np.int64
