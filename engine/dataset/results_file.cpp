#include "engine/dataset/results_file.h"

#include <map>
#include <utility>

#include "engine/dataset/output.h"

namespace flashphase {

namespace {

/// In the order of their bits, with commas between them.
std::string names_of_remarks() {
  std::string names;
  for (const RemarkText& text : kRemarkTexts) names.append(names.empty() ? "" : ",").append(text.name);
  return names;
}

}  // namespace

struct ResultsWriter::File {
  hdf5::OutputFile out;
  ResultsHead head;
  std::map<std::string, hdf5::Handle> arrays;

  ~File() { out.abandon(); }

  void write(const char* name, hid_t type, const std::vector<hsize_t>& row, std::size_t first,
             std::size_t count, const void* content) {
    auto found = arrays.find(name);
    if (found == arrays.end()) found = arrays.emplace(name, out.add_rows(name, type, row)).first;
    out.write_rows(found->second, name, type, first, count, content);
  }
};

ResultsWriter::ResultsWriter(std::string path, ResultsHead head) : file_(std::make_unique<File>()) {
  file_->head = std::move(head);
  file_->out.create(std::move(path));
}

ResultsWriter::~ResultsWriter() = default;

void ResultsWriter::write(std::size_t first, const ReconstructionResults& piece) {
  const std::size_t count = piece.frames.size();
  const auto n = static_cast<hsize_t>(file_->head.size), rings = static_cast<hsize_t>(file_->head.rings);
  const std::vector<hsize_t> image{n, n}, scalar;
  file_->write("objects", hdf5::complex_type(), image, first, count, piece.objects.data());
  file_->write("support", H5T_NATIVE_UINT8, image, first, count, piece.support.data());
  file_->write("frames", H5T_NATIVE_INT, scalar, first, count, piece.frames.data());
  const auto floats = [&](const char* name, const std::vector<float>& values,
                          const std::vector<hsize_t>& row) {
    if (!values.empty()) file_->write(name, H5T_NATIVE_FLOAT, row, first, count, values.data());
  };
  floats("residual", piece.residual, scalar);
  floats("refined_residual", piece.refined_residual, scalar);
  floats("agreement", piece.agreement, scalar);
  floats("prtf", piece.prtf, {rings});
  floats("resolution", piece.resolution, scalar);
  floats("free_log_likelihood", piece.free_log_likelihood, scalar);
  floats("split_seen", piece.split_seen, scalar);
  floats("split_unseen", piece.split_unseen, scalar);
  floats("split_noise", piece.split_noise, scalar);
  floats("unwrapped_phase", piece.unwrapped_phase, image);
  std::vector<std::uint16_t> bits;
  for (const Remarks remarks : piece.remarks) bits.push_back(remarks.bits());
  if (!bits.empty()) file_->write("remarks", H5T_NATIVE_UINT16, scalar, first, count, bits.data());
  if (piece.explained.empty()) return;
  file_->write("explained", H5T_NATIVE_UINT8, scalar, first, count, piece.explained.data());
  file_->write("iterations", H5T_NATIVE_INT, scalar, first, count, piece.iterations.data());
}

void ResultsWriter::finish(std::size_t rows) {
  File& file = *file_;
  for (const auto& [name, array] : file.arrays) file.out.resize(array, name, rows);
  const ResultsHead& head = file.head;
  if (!head.recipe.empty()) file.out.add_text("recipe", head.recipe);
  file.out.add_attribute("model", head.model);
  file.out.add_attribute("schedule", head.schedule);
  if (!head.starts.empty()) file.out.add_attribute("starts", head.starts);
  if (file.arrays.contains("remarks")) file.out.add_attribute("remarks", names_of_remarks());
  file.out.add_number_attribute("frames_asked", static_cast<std::int64_t>(head.frames_asked));
  file.out.add_flag_attribute("complete", rows == head.frames_asked);
  file.arrays.clear();
  file.out.finish();
}

}  // namespace flashphase
