#pragma once

#include <string>

namespace rankscope::diagnose {

// gloo's words on one rank, of an exception raised in `call` at `line` of the program.
inline std::string Raised(int rank, int line, const std::string& call, const std::string& words) {
  const std::string head = "[rank" + std::to_string(rank) + "]: ";
  return head + "Traceback (most recent call last):\n" + head + "  File \"/app/train.py\", line " +
         std::to_string(line) + ", in step\n" + head +
         "  File \"/venv/site-packages/torch/distributed/distributed_c10d.py\", line 2806, in " + call + "\n" + head +
         "RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/" + words + "\n";
}

inline std::string TimedOut(int rank, int line, const std::string& call = "all_reduce") {
  return Raised(rank, line, call, "unbound_buffer.cc:78] Timed out waiting 25000ms for recv operation to complete");
}

inline std::string Closed(int rank) {
  return Raised(rank, 31, "all_reduce", "pair.cc:561] Connection closed by peer [127.0.0.1]:55491.");
}

// Of the gradients' reduction.
inline std::string RaisedInBackward(int line, const std::string& words) {
  return "Traceback (most recent call last):\n  File \"/app/train.py\", line " + std::to_string(line) +
         ", in step\n    loss.backward()\n"
         "  File \"/venv/site-packages/torch/autograd/graph.py\", line 1113, in _engine_run_backward\n"
         "    return Variable._execution_engine.run_backward(\n"
         "RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/" +
         words + "\n";
}

inline std::string CouldNot(const std::string& what, int line = 44) {
  return RaisedInBackward(line,
                          "unbound_buffer.cc:133] Timed out waiting 25000ms for " + what + " operation to complete");
}

inline std::string FailedToConnect(int rank) {
  return Raised(rank, 9, "init_process_group",
                "pair.cc:152] Gloo connectFullMesh failed: timed out connecting: Connection refused");
}

inline std::string Exited(int local_rank) {
  return "E1126 11:04:28.890000 26934 torch/distributed/elastic/multiprocessing/api.py:1002] failed (exitcode: 1) "
         "local_rank: " +
         std::to_string(local_rank) + " (pid: 27189) of binary: /usr/bin/python3\n";
}

inline std::string CouldNotIn(const std::string& call, int rank, int line, const std::string& what) {
  return Raised(rank, line, call,
                "unbound_buffer.cc:78] Timed out waiting 25000ms for " + what + " operation to complete");
}

}  // namespace rankscope::diagnose
