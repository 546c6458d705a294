#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "engine/dataset/dataset.h"
#include "engine/dataset/results_file.h"
#include "tools/programs/reconstruct_worker.h"
#include "tools/shared/support_file.h"

namespace flashphase::tools {

/// The frames of a file from one end to the other: read, reconstructed, written in their order, a batch at a
/// time. Memory goes with the batch and the workers, and a few numbers with each frame: nobody is further
/// ahead of the frames that are written than two batches a worker.
class ReconstructionRun {
 public:
  struct Files {
    const DatasetReader& in;
    const SupportFile* support;  ///< null = none
    ResultsWriter& out;
  };
  /// With `split_seed` it is a split test: half of each frame's photons is reconstructed, the other judges.
  ReconstructionRun(Files files, std::span<const int> frames, int batch,
                    std::optional<std::uint64_t> split_seed = std::nullopt);

  /// Each worker in a thread of its own, until all frames are done or stop_requested(): then what the solvers
  /// have at hand is done and written, the rest of the batches left out. Calls `tell` several times a second
  /// with the number of frames done. Throws what the first worker that fails throws; what the others have
  /// done then is written all the same, where it can be.
  void run(std::vector<ReconstructionWorker>& workers, const std::function<void(std::size_t)>& tell);

  /// Frames that are done and written, in the order in which they were asked for. After a run that was
  /// stopped some may be missing between them.
  std::size_t done() const { return figures_.residual.size(); }
  /// Whether the file has taken all that was written.
  bool writable() const { return writable_; }
  const std::vector<int>& without_image() const { return without_image_; }
  const MeasuredShare& measured() const { return measured_; }
  /// Of each frame done, where there is one: its place, what speaks against it, residual before and after the
  /// schedule, agreement, why it was left, the split test.
  const ReconstructionResults& figures() const { return figures_; }

 private:
  struct Piece {
    std::size_t index = 0;  ///< batch
    std::span<const int> frames;
    PatternBatch patterns;
    PatternBatch unseen;  ///< of a split test
    std::vector<std::uint8_t> limits;
    ReconstructionResults results;
  };

  void split(Piece& piece) const;
  void judge(Piece& piece) const;
  void serve(ReconstructionWorker& worker);
  bool stopping() const;
  std::optional<Piece> next_piece();
  void hand_in(Piece piece);
  void write(Piece& piece);
  void wait_for_workers(const std::function<void(std::size_t)>& tell);

  Files files_;
  std::span<const int> frames_;
  std::size_t batch_;
  std::optional<std::uint64_t> split_seed_;
  std::atomic<std::size_t> finished_{0};  ///< frames, written or not
  std::atomic<bool> failed_{false};
  std::mutex mutex_;  ///< of the files and of what follows
  std::condition_variable moved_;
  std::size_t begun_ = 0, written_ = 0;  ///< batches
  std::size_t ahead_ = 0;                ///< that may be begun beyond those written
  std::size_t at_work_ = 0;              ///< workers
  std::map<std::size_t, Piece> waiting_;
  std::exception_ptr failure_;
  bool writable_ = true;
  std::vector<int> without_image_;
  MeasuredShare measured_;
  ReconstructionResults figures_;
};

}  // namespace flashphase::tools
