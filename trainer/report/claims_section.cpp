#include "trainer/report/sections.h"

namespace flashphase::trainer::report {

Section claims_section(const Findings& findings, const std::string& model, const std::string& data,
                       const std::string& training, const std::string& measured) {
  Section section{
      "claims", "Claim by claim",
      "Wu, Juhas, Yoo & Robinson, IUCrJ 8, 12 (2021). Their data are not public: the patterns are "
      "of the same kind, not the same."};
  const std::string evaluate =
      "`flashphase-train evaluate --model " + model + " --data " + data + " --iterations 0`";
  const std::string nearest = "`flashphase-train nearest --training " + training + " --data " + data + "`";
  const std::string explain =
      "`flashphase-reconstruct " + data + " OUT.h5 --model " + model + " --schedule explain`";
  const std::string here = "this report";
  Table table{"", {"claim", "the paper", "here", "by"}};
  table.rows = {{"modulus chi², network alone, mean", 0.019, findings.modulus_chi2.mean, evaluate},
                {"modulus chi², network alone, median", "-", findings.modulus_chi2.median, evaluate},
                {"amplitude chi², network alone, mean", 0.005, findings.amplitude_chi2.mean, evaluate},
                {"amplitude chi², network alone, median", "-", findings.amplitude_chi2.median, evaluate},
                {"phase chi², network alone, mean", 0.029, findings.phase_chi2.mean, evaluate},
                {"phase chi², network alone, median", "-", findings.phase_chi2.median, evaluate},
                {"error < 0.05, network alone, %", "-", 100 * findings.right, evaluate},
                {"modulus chi² after explain, mean", "-", findings.explained_modulus.mean, explain},
                {"amplitude chi² after explain, mean", 0.005, findings.explained_amplitude.mean, explain},
                {"phase chi² after explain, mean", 0.029, findings.explained_phase.mean, explain},
                {"error < 0.05 after explain, %", "-", 100 * findings.explained_right, explain},
                {"one pattern through the network, ms", "0.5 (GPU)", 1e3 * findings.network_seconds,
                 here + ", CPU time, one core"},
                {"modulus chi² of the nearest neighbour, mean", 0.08, findings.nearest.mean, nearest},
                {"patterns searched", 142500.0, static_cast<double>(findings.searched), nearest},
                {"seconds a pattern of that search", 30.0, findings.nearest_seconds, nearest},
                {"final modulus chi², learned start, median", "-", findings.learned_chi2, here + ", Fig. 5"},
                {"how many times higher it ends from a random phase in the square", "higher (Fig. 5f)",
                 findings.random_chi2 / findings.learned_chi2, here + ", Fig. 5"},
                {"how many times higher from the nearest neighbour", "-",
                 findings.nearest_start_chi2 / findings.learned_chi2, here + ", Fig. 5"},
                {"measured frame, network alone, modulus chi²", 0.7, findings.measured_before,
                 measured.empty() ? "not given"
                                  : "`flashphase-reconstruct " + measured + " OUT.h5 --model " + model + "`"},
                {"measured frame, after iterations", 0.002, findings.measured_after,
                 measured.empty() ? "not given" : "the same; the frame that ends lowest"}};
  section.tables.push_back(std::move(table));
  return section;
}

}  // namespace flashphase::trainer::report
