#include <limits>
#include <stdexcept>

#include "engine/dataset/patterns.h"
#include "trainer/report/pictures.h"
#include "trainer/report/sections.h"

namespace flashphase::trainer::report {

Section measured_section(Subject& subject, const std::string& path, const std::vector<int>& frames,
                         Findings& findings) {
  Section section{"measured", "Measured frames (Fig. 7)", ""};
  findings.measured_before = findings.measured_after = std::numeric_limits<double>::quiet_NaN();
  if (path.empty()) {
    section.text = "Not given: name a dataset of measured patterns with `--measured`.";
    return section;
  }
  const DatasetReader file(path);
  file.require_patterns();
  if (file.pattern_size() != subject.info().pattern_size)
    throw std::invalid_argument("--measured " + path + " has patterns of " +
                                std::to_string(file.pattern_size()) + " pixels, the model takes " +
                                std::to_string(subject.info().pattern_size));
  for (const int frame : frames)
    if (frame < 0 || static_cast<std::size_t>(frame) >= file.count())
      throw std::invalid_argument("--measured-frames: " + path + " has frames 0 to " +
                                  std::to_string(file.count() - 1) + ", no frame " + std::to_string(frame));
  Dataset data = file.read(frames);
  data.objects.clear();  // what it has is no truth
  data.object_size = 0;
  const PatternBatch patterns = patterns_of(data);
  const Outcome before = subject(data, "none"), after = subject(data, "polish");
  section.text =
      "The network alone, and after `polish` from eight starts. Nobody knows the true images: a "
      "low chi² alone does not prove one.";
  Table table{"Modulus chi²", {"frame", "network alone", "after polish"}};
  Gallery gallery{"", {}};
  for (const char* row :
       {"pattern (log)", "amplitude before", "amplitude after", "phase before", "phase after"})
    gallery.rows.push_back({row, {}});
  for (int i = 0; i < data.count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const auto first = static_cast<double>(before.objects.residual[at]),
               last = static_cast<double>(after.objects.residual[at]);
    table.rows.push_back({static_cast<double>(frames[at]), first, last});
    if (!(findings.measured_after <= last)) {
      findings.measured_before = first;
      findings.measured_after = last;
    }
    gallery.columns.push_back("frame " + std::to_string(frames[at]) + ": " + short_number(first) + " → " +
                              short_number(last));
    gallery.rows[0].pictures.push_back(picture_of_pattern(patterns.intensity_of(i), patterns.measured_of(i)));
    gallery.rows[1].pictures.push_back(picture_of_amplitude(before.objects.object_of(i)));
    gallery.rows[2].pictures.push_back(picture_of_amplitude(after.objects.object_of(i)));
    gallery.rows[3].pictures.push_back(picture_of_phase(before.objects.object_of(i)));
    gallery.rows[4].pictures.push_back(picture_of_phase(after.objects.object_of(i)));
  }
  section.tables.push_back(std::move(table));
  section.galleries.push_back(std::move(gallery));
  return section;
}

}  // namespace flashphase::trainer::report
