#!/usr/bin/env python3
"""Reads ONNX files as strangers do: the checker with shape inference, then onnxruntime on batches
whose logits lie beside each NAME.onnx in NAME.safetensors (of 1 and 3 images: x1, y1, x3, y3).

Usage: check_onnx.py FOLDER. Prints what does not hold, or `N files agree, ...`; exit status 1 or 0.
"""
import json
import pathlib
import struct
import sys

import numpy
import onnx
import onnxruntime


def read_tensors(path):
    data = path.read_bytes()
    size = struct.unpack('<Q', data[:8])[0]
    header = json.loads(data[8:8 + size])
    meta = header.pop('__metadata__')
    tensors = {}
    for name, entry in header.items():
        begin, end = entry['data_offsets']
        values = numpy.frombuffer(data[8 + size + begin:8 + size + end], dtype='<f4')
        tensors[name] = values.reshape(entry['shape'])
    return meta, tensors


def check(path):
    """Largest difference of logits, relative to the largest logit."""
    meta, tensors = read_tensors(path.with_suffix('.safetensors'))
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    assert [(o.domain, o.version) for o in model.opset_import] == [('', int(meta['opset']))]
    assert model.producer_name == 'nas' and model.doc_string == 'a test'
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(properties['nas.json'])['name'] == path.stem
    assert [o.name for o in model.graph.output] == ['logits']
    assert model.graph.input[0].name == 'image'
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == 'batch'
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(path), options, providers=['CPUExecutionProvider'])
    worst = 0.0
    for n in sorted(name[1:] for name in tensors if name.startswith('x')):
        logits = session.run(None, {'image': tensors['x' + n]})[0]
        expected = tensors['y' + n]
        assert logits.shape == expected.shape, (logits.shape, expected.shape)
        difference = float(numpy.abs(logits - expected).max() / numpy.abs(expected).max())
        assert difference < 1e-4, f'batch {n}: logits differ by {difference:g} of the largest'
        worst = max(worst, difference)
    return worst


def main():
    paths = sorted(pathlib.Path(sys.argv[1]).glob('*.onnx'))
    failed, worst = 0, (0.0, '')
    for path in paths:
        try:
            worst = max(worst, (check(path), path.stem))
        except Exception as error:  # Each file is told.
            failed += 1
            print(f'{path.name}: {type(error).__name__}: {error}')
    if failed == 0:
        print(f'{len(paths)} files agree, largest relative difference {worst[0]:.1e} ({worst[1]}); '
              f'onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}')
    return 1 if failed or not paths else 0


if __name__ == '__main__':
    sys.exit(main())
