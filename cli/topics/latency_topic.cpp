#include "cli/topics/latency_topic.hpp"

#include "cli/command.hpp"
#include "hardware/formats/format.hpp"

namespace nas::cli {
namespace {

/// Forms of foreign tables, from the table that reads them.
std::string formats() {
  std::string text;
  for (const LatencyFormat& format : latency_formats())
    text += "  " + format.name + std::string(18 - format.name.size(), ' ') +
            wrap_words(format.summary, 58) + "\n";
  size_t at = 0;
  while ((at = text.find('\n', at)) != std::string::npos && at + 1 < text.size())
    if (text[++at] != ' ') text.insert(at, 20, ' ');
  return text;
}

std::string work() {
  return R"(Latency tables (nas latency, nas measure)

A table has a time for each op that the networks of a space are made of; the
latency of a network is the sum. nas measure times ops on this machine. For
a phone, a board or another runtime, give the work out:

  nas latency plan digits                    what a table must hold
  nas latency export-work digits --out work.jsonl
  python3 runner.py < work.jsonl > done.jsonl       anywhere
  nas latency import-results done.jsonl --work work.jsonl --unit ms
      --device phone --batch 1 --dtype float32 --name phone
  nas latency check digits --table phone     exit 3 where something lacks
  nas search ... --latency-table phone --constraint 'latency_ms <= 5'

Work      One JSON object a line:
          {"schema": "nas-latency-work/1",
           "id": "op/1/float32/conv2d in=3x32x32 out=16x32x32 k=3 ...",
           "op": "conv2d", "inputs": [[1, 3, 32, 32]],
           "output": [1, 16, 32, 32],
           "attributes": {"in_channels": 3, "kernel": 3, "stride": 1, ...},
           "batch": 1, "dtype": "float32"}
          Shapes begin with the batch; images are channels, height, width.
          Of a whole network (--networks) op is "network", and "layers" has
          its ops in order, each with "from", the layers it reads (-1: the
          image).
Answers   One JSON object a line, in any order:
          {"id": ID, "time": 0.41}
          {"id": ID, "times": [0.40, 0.41, 0.47]}
          {"id": ID, "time": 0.41, "low": 0.40, "high": 0.42, "repeats": 30}
          {"id": ID, "error": "out of memory"}
          `id` is copied from the work. It says op, batch and dtype, so that
          an answer at another batch is refused; its attributes may stand in
          another order, but none may lack. low and high are quartiles.
          Of times the median is kept. Other fields are ignored.
Errors    named with file and line: a line that is no JSON object, an id
          that is none, was not asked for (--work) or is answered twice, a
          time that is no number above 0.
Exit      3 where an op failed or, with --work, has no answer.

A new device of which little is measured: nas latency plan digits --table
laptop --budget 30 --out few.txt names the ops that tell most of the others,
nas measure --only few.txt (or export-work --only few.txt) times them, and
nas latency calibrate --table laptop --ops few carries the table over. Without
--table, plan --budget names whole networks to measure.

Networks that were measured elsewhere: nas latency calibrate --rows FILE, a
CSV or JSON with a column of architectures and one of times, each network
once. Conditions stand in lines above the header (# device: phone) or in
columns batch, dtype, device, threads. A row without a time is an error; one
that no line fits with the others is left out by name (beyond a factor of 3
and 8 times the usual deviation); one that is less off and widens the spread
is kept and named. Where the times are 50 times what the table
adds up, or a 50th, the unit is doubted (--trust-unit: it is right).

A table remembers the space that it was made for. Once the space builds other
networks, nas measure --continue TABLE times what is new and says so in the
new table; searches refuse the old one.

A program in Python that answers: $NAS_CONFIGS/latency/runner.py (nas doctor
tells the folder).)";
}

std::string tables() {
  return R"(Tables of other programs: nas latency import FILE --unit ms --device NAME
--batch N --dtype TYPE. Several files (one for each resolution) make one
table. The form is told by what the file holds, or by --format:

)" + formats() +
         R"(
The unit is never guessed. It is an error with the likely one where times
could not be in it: by what a device of that kind can do (controller, phone
or server, graphics processor; its name says which), by tables of the same
device in the store (50 times apart or more), by the name of the column
(latency_ms under --unit s). So is a single row that is 50 times off what
others of its kind take for as much work, and six times their deviation, with
file and line; from 8 times on it is a note, which nas latency check prints,
too. --trust-unit: they are so. A table file in nas's own form is judged in
the same way; "trust_unit": true in the file says that its times are so.

What does not say its batch, dtype or threads is not taken silently beside
what does: calibrate, diff, measure --continue and export --verify-latency
say what they assume.

Groupings: what one time covers. `ops` are single ops, as they run here: the
executor runs a network op by op and fuses none (export can fold batch norms
into convolutions; then their times are too much). `fused` are a convolution,
linear layer or sum with the batch norm and activation behind it, as other
runtimes run them. `ofa-mobilenetv3` and `ofa-proxyless` are the blocks of
once-for-all. A network is cut into the pieces of its table; a piece that the
table lacks is an error with the three nearest keys, never a guess.

  nas latency import 224_lookup_table.yaml --unit ms --device note10
      --batch 1 --dtype float32 --name note10
  nas latency check mobilenet --table note10
  nas latency export laptop --format once-for-all --space mobilenet
  nas latency export xeon.csv --format hat --out wmt.csv

export writes every form that import reads. Whole networks are those of the
file that import --out wrote, or those that a calibrated table keeps. What a
form cannot hold is an error that names the forms that can.

Whole networks (hat, nn-meter-data, hw-nas-bench, networks) are written to
--out as CSV, one network a row with latency_ms, and learnt from:

  nas latency import wmt.csv --unit ms --device xeon --batch 1
      --dtype float32 --out xeon.csv
  nas predict eval --data xeon.csv --target latency_ms --split mod10
      --features encoder_embed_dim,decoder_embed_dim,decoder_layer_num

Operator profiles (TFLite, trtexec) as CSV need names of columns and sizes:

  nas latency import profile.csv --format operators --unit us
      --column op=type --column time=avg --column input=in --column output=out
      --column kernel=k --column stride=s --layout nhwc
      --device pixel --batch 1 --dtype float32

  nas latency diff monday tuesday --fail-above 10      exit 3 beyond noise)";
}

}  // namespace

std::string latency_topic() {
  std::string text = work();
  text += "\n\n";
  return text += tables();
}

}  // namespace nas::cli
