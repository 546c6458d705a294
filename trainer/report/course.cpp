#include "trainer/report/course.h"

#include "engine/refine/loop/algorithms.h"

namespace flashphase::trainer::report {

Course CourseMaker::operator()(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                               std::span<const std::complex<float>> start,
                               std::span<const std::uint8_t> support, const refine::Schedule& schedule,
                               int every, bool pictures) {
  Course course;
  const int total = schedule.iterations();
  iterate_.set_pattern(intensity, measured, schedule.modulus);
  iterate_.set_start(start, support, n_);
  int done = 0;
  const auto look = [&] {
    if (done % every != 0 && done != total) return;
    course.chi2.push_back(iterate_.project().chi2);
    if (pictures || done == total) course.objects.push_back(object());
  };
  for (const refine::Step& step : schedule.steps) {
    const refine::Update update = refine::update_of(step);
    for (int i = 0; i < step.iterations; ++i, ++done) {
      if (schedule.shrink_wrap) {
        const float part = schedule.shrink_wrap->part_at(done, total);
        if (part >= 0)
          support_update_(iterate_.re(), iterate_.im(), iterate_.stride(), part, *schedule.shrink_wrap,
                          iterate_.support());
      }
      if (done % every == 0) {
        look();
      } else {
        iterate_.project(false);
      }
      iterate_.update(update);
    }
  }
  iterate_.constrain();
  look();
  return course;
}

std::vector<std::complex<float>> CourseMaker::object() const {
  const auto n = static_cast<std::size_t>(n_), stride = static_cast<std::size_t>(iterate_.stride());
  std::vector<std::complex<float>> object(n * n);
  for (std::size_t y = 0; y < n; ++y)
    for (std::size_t x = 0; x < n; ++x)
      if (const std::size_t from = y * stride + x; iterate_.support()[from] > 0)
        object[y * n + x] = {iterate_.re()[from], iterate_.im()[from]};
  return object;
}

}  // namespace flashphase::trainer::report
