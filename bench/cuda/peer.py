"""What PyTorch does with the same work: one token of a Llama-shaped model of random f16 weights.

  recompute   a fresh pass over the whole window for each token (flash attention)
  published   StreamingLLM as published: eager, rotate all cached keys, concatenate
  graph       a static ring, keys rotated once, the step in one CUDA graph
  compile     the same through torch.compile(mode="max-autotune"), the step as a whole: minutes
  layers      one layer through torch.compile(mode="max-autotune-no-cudagraphs"), once for all of
              them, and the step in one CUDA graph: the same kernels in a fraction of the time
  prefill     one pass over a prompt
  attention   scaled_dot_product_attention alone, one token of each of 64 streams
  matrix      a large f16 product alone: the rate that a prompt could have

Usage: python3 peer.py [--shape 7b|13b] [--windows 1024,4096] [--modes graph,compile] [--steps 30]
Prints medians in milliseconds. Needs only torch.
"""

import argparse
import collections
import statistics

import torch
import torch.nn.functional as F

SHAPES = {"7b": (32, 32, 4096, 11008, 32000), "13b": (40, 40, 5120, 13824, 32000)}
SINKS = 4
DEVICE = "cuda"


def weight(*shape):
    return torch.randn(*shape, device=DEVICE, dtype=torch.float16) * 0.02


Layer = collections.namedtuple("Layer", "qkv out gate_up down norm1 norm2")


def random_layer(width, hidden):
    return Layer(weight(3 * width, width), weight(width, width), weight(2 * hidden, width), weight(width, hidden),
                 weight(width), weight(width))


def rms_norm(x, scale):
    wide = x.float()
    return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-5)).half() * scale


def rotate(x, cosine, sine):
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), -1)
    return x * cosine + turned * sine


def layer_of(layer, x, heads, attend):
    qkv = F.linear(rms_norm(x, layer.norm1), layer.qkv)
    q, k, v = (t.view(x.shape[0], heads, -1).transpose(0, 1) for t in qkv.chunk(3, -1))
    x = x + F.linear(attend(q, k, v).transpose(0, 1).reshape(x.shape[0], -1), layer.out)
    gate, up = F.linear(rms_norm(x, layer.norm2), layer.gate_up).chunk(2, -1)
    return x + F.linear(F.silu(gate) * up, layer.down)


class Model:
    def __init__(self, shape):
        count, self.heads, width, hidden, vocabulary = SHAPES[shape]
        self.head_dim = width // self.heads
        self.layers = [random_layer(width, hidden) for _ in range(count)]
        self.table, self.head = weight(vocabulary, width), weight(vocabulary, width)
        self.norm = weight(width)
        inverse = 10000 ** -(torch.arange(0, self.head_dim, 2, device=DEVICE).double() / self.head_dim)
        self.inverse = torch.cat((inverse, inverse))

    def phases(self, positions):
        angles = positions.double()[:, None] * self.inverse
        return angles.cos().half(), angles.sin().half()

    def __call__(self, ids, attend):
        x = self.table[ids]
        for i, layer in enumerate(self.layers):
            x = layer_of(layer, x, self.heads, lambda q, k, v: attend(i, q, k, v))
        return self.logits(x)

    def logits(self, x):
        return F.linear(rms_norm(x[-1:], self.norm), self.head)


def attention(q, k, v, **options):
    return F.scaled_dot_product_attention(q[None], k[None], v[None], **options)[0]


def pass_over(model, length):
    """A fresh pass over `length` tokens: recompute and prefill."""
    ids = torch.randint(0, 32000, (length,), device=DEVICE)
    cosine, sine = model.phases(torch.arange(length, device=DEVICE))

    def attend(_, q, k, v):
        return attention(rotate(q, cosine, sine), rotate(k, cosine, sine), v, is_causal=True)

    return lambda: model(ids, attend)


def published(model, window):
    """The cache is concatenated and cut for each token, and all of its keys are rotated again."""
    kept = SINKS + window
    shape = (model.heads, kept, model.head_dim)
    keys = [weight(*shape) for _ in model.layers]
    values = [weight(*shape) for _ in model.layers]
    cosine, sine = model.phases(torch.arange(kept + 1, device=DEVICE))
    ids = torch.zeros(1, dtype=torch.long, device=DEVICE)

    def attend(i, q, k, v):
        all_keys, all_values = torch.cat((keys[i], k), 1), torch.cat((values[i], v), 1)
        mixed = attention(rotate(q, cosine[-1:], sine[-1:]), rotate(all_keys, cosine, sine), all_values)
        keys[i] = torch.cat((all_keys[:, :SINKS], all_keys[:, SINKS + 1 :]), 1)
        values[i] = torch.cat((all_values[:, :SINKS], all_values[:, SINKS + 1 :]), 1)
        return mixed

    return lambda: model(ids, attend)


def attend_ring(keys, values, slot, at_stream, at_cache, q, k, v):
    """Appends one token to the ring of a layer and attends to it; sink keys have a rotation of their own."""
    keys.index_copy_(1, slot, rotate(k, *at_stream))
    values.index_copy_(1, slot, v)
    scores = torch.cat((rotate(q, *at_cache) @ keys[:, :SINKS].transpose(1, 2),
                        rotate(q, *at_stream) @ keys[:, SINKS:].transpose(1, 2)), -1)
    weights = torch.softmax(scores.float() * q.shape[-1]**-0.5, -1).half()
    return weights @ values


def ring_layer(layer, x, heads, *ring):
    return layer_of(layer, x, heads, lambda q, k, v: attend_ring(*ring, q, k, v))


def ring(model, window, layer=ring_layer):
    """A static ring; position and slot are on the device."""
    slots = SINKS + window + 1
    shape = (len(model.layers), model.heads, slots, model.head_dim)
    keys, values = weight(*shape), weight(*shape)
    position = torch.full((1,), 2 * slots, device=DEVICE)
    ids = torch.zeros(1, dtype=torch.long, device=DEVICE)
    fixed = model.phases(torch.tensor([SINKS + window], device=DEVICE))

    def step():
        slot = SINKS + (position - SINKS) % (window + 1)
        phases = model.phases(position)
        x = model.table[ids]
        for i, its in enumerate(model.layers):
            x = layer(its, x, model.heads, keys[i], values[i], slot, phases, fixed)
        ids.copy_(model.logits(x).argmax(-1))
        position.add_(1)

    return step


def as_graph(step):
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def median(step, steps):
    for _ in range(3):
        step()
    times = []
    for _ in range(steps):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        step()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end))
    return statistics.median(times)


def attention_alone(window, steps):
    streams, heads, dim, keys = 64, 32, 128, SINKS + window + 1
    copies = 4  # more than the second-level cache holds
    cached = [torch.randn(2, streams, heads, keys, dim, device=DEVICE, dtype=torch.float16) for _ in range(copies)]
    q = torch.randn(streams, heads, 1, dim, device=DEVICE, dtype=torch.float16)

    def step():
        for k, v in cached:
            F.scaled_dot_product_attention(q, k, v)

    time = median(step, steps) / copies
    return time, 2 * 2 * streams * heads * keys * dim / time * 1e-6


def matrix_alone(steps):
    size = 8192
    x, w = weight(size, size), weight(size, size)
    time = median(lambda: F.linear(x, w), steps)
    return time, 2 * size**3 / time * 1e-9


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--shape", default="7b", choices=SHAPES)
    options.add_argument("--windows", default="1020,4092")
    options.add_argument("--modes", default="recompute,published,graph,layers,prefill,attention,matrix")
    options.add_argument("--steps", type=int, default=30)
    options = options.parse_args()
    print(f"# torch {torch.__version__}, {torch.cuda.get_device_name()}, {options.shape}", flush=True)
    modes = options.modes.split(",")
    torch.set_grad_enabled(False)
    model = Model(options.shape) if set(modes) - {"attention", "matrix"} else None
    for mode in modes:
        if mode == "matrix":
            time, rate = matrix_alone(options.steps)
            print(f"{mode:10} 8192^3   {time:9.3f} ms {rate:8.0f} TFLOP/s", flush=True)
            continue
        for window in map(int, options.windows.split(",")):
            if mode == "attention":
                time, rate = attention_alone(window, options.steps)
                print(f"{mode:10} 4+{window:<6} {time:9.3f} ms {rate:8.0f} GB/s", flush=True)
                continue
            if mode in ("recompute", "prefill"):
                step = pass_over(model, SINKS + window)
            elif mode == "published":
                step = published(model, window)
            elif mode == "graph":
                step = as_graph(ring(model, window))
            elif mode == "layers":
                torch.compiler.reset()
                layer = torch.compile(ring_layer, mode="max-autotune-no-cudagraphs", fullgraph=True, dynamic=False)
                step = as_graph(ring(model, window, layer))
            else:
                step = torch.compile(ring(model, window), mode="max-autotune")
            print(f"{mode:10} 4+{window:<6} {median(step, options.steps):9.3f} ms", flush=True)
            del step
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
