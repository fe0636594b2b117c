#!/usr/bin/env python3
"""Perplexity of one GGUF file by llama-perplexity and by sinkstream, of the same tokens in the same context.

Usage: bench/compare-perplexity.py FILE.gguf TEXT [-- OPTIONS OF sinkstream perplexity]

llama-perplexity cuts the tokens into chunks as long as its context, puts the first special token in front of each where
the model's tokenizer adds one, and scores the second half of each chunk. So does this, with a fresh dense cache a chunk.
Needs llama-perplexity and llama-tokenize: Debian's package llama.cpp-tools, installed, or in a folder that debootstrap
made, which LLAMA_ROOT then names (this must run as root). CONTEXT is the length of a chunk (512), THREADS those of both.
"""
import array, json, math, os, re, shutil, subprocess, sys, tempfile

ROOT = os.environ.get("LLAMA_ROOT", "")
CONTEXT = int(os.environ.get("CONTEXT", 512))
THREADS = os.environ.get("THREADS", str(os.cpu_count()))
SINKSTREAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "sinkstream")


def llama(*command):
    guest = ["chroot", ROOT] if ROOT else []
    done = subprocess.run([*guest, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"{command[0]} failed: {done.stdout.decode(errors='replace')[-500:]}")
    return done.stdout.decode(errors="replace")


def by_llama(model, text):
    """The perplexity up to the last chunk that it told of, and that chunk's number: at its end its log may get lost."""
    output = llama("llama-perplexity", "-m", model, "-f", text, "-c", str(CONTEXT), "-b", str(CONTEXT), "-t", THREADS)
    told = re.findall(r"\[(\d+)\]([0-9.]+),", output)
    if not told:
        sys.exit(f"llama-perplexity scored nothing, for which a text of two chunks is the least: {output[-500:]}")
    return float(told[-1][1]), int(told[-1][0])


def tokens(model, text):
    ids = llama("llama-tokenize", "-m", model, "-f", text, "--ids", "--log-disable")
    bare = llama("llama-tokenize", "-m", model, "-f", text, "--ids", "--log-disable", "--no-bos")
    ids, bare = (json.loads(re.findall(r"^\[.*\]$", each, re.MULTILINE)[-1]) for each in (ids, bare))
    return ids, ids[0] if len(ids) > len(bare) else None


def by_sinkstream(model, ids, first, chunks, options, folder):
    losses = []
    for start in range(0, chunks * CONTEXT, CONTEXT):
        chunk = ids[start : start + CONTEXT]
        chunk[0] = chunk[0] if first is None else first
        with open(folder + "/ids", "wb") as file:
            array.array("i", chunk).tofile(file)
        command = [SINKSTREAM, "perplexity", "-m", model, "--ids", folder + "/ids", "--cache", "dense"]
        command += ["--threads", THREADS, "--nll-out", folder + "/nll", *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with open(folder + "/nll", "rb") as file:
            losses += array.array("f", file.read())[CONTEXT // 2 :]
    return math.exp(sum(losses) / len(losses)), len(losses)


def main(model, text, *options):
    with tempfile.TemporaryDirectory(dir=ROOT + "/tmp" if ROOT else None) as folder:
        for source, name in (model, "model.gguf"), (text, "text"):
            shutil.copy(source, f"{folder}/{name}")
        guest = folder.removeprefix(ROOT)
        ids, first = tokens(guest + "/model.gguf", guest + "/text")
        theirs, chunks = by_llama(guest + "/model.gguf", guest + "/text")
        ours, scored = by_sinkstream(model, ids, first, chunks, options, folder)
    print(f"{os.path.basename(model)}: {chunks} chunks of {CONTEXT} tokens, {scored} scored:"
          f" llama-perplexity {theirs:.4f}, sinkstream {ours:.4f} ({100 * (ours / theirs - 1):+.3f} %)", flush=True)


if len(sys.argv) < 3:
    sys.exit(__doc__)
main(sys.argv[1], sys.argv[2], *[each for each in sys.argv[3:] if each != "--"])
