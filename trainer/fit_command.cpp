#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>

#include "trainer/fit.h"
#include "trainer/processes.h"

namespace flashphase::trainer {

void add_fit(CLI::App& parent) {
  auto options = std::make_shared<FitOptions>();
  CLI::App* app = parent.add_subcommand("fit", "Train a network on the objects of a dataset");
  app->add_option("--data", options->data,
                  "Dataset with /objects (flashphase-train generate); default: a new particle is simulated "
                  "for each pattern");
  app->add_option("--objects", options->objects,
                  "Recipe of those particles, named as --recipe; default: the same");
  app->add_option(
      "--recipe", options->recipe,
      "How they are exposed: paper, training, xfel, bcdi or a YAML file; default: as in the dataset");
  app->add_option("--output", options->output, "Model file to write")->required();
  app->add_option("--network", options->network, "flash, or wu2021: that of Wu et al. 2021, by their recipe")
      ->check(CLI::IsMember({"flash", "wu2021"}))
      ->capture_default_str();
  app->add_option("--name", options->name, "Name the model goes by; default: the network");
  app->add_option("--samples", options->samples, "Patterns to train on in all")->capture_default_str();
  app->add_option("--minutes", options->minutes, "Train for so long instead; the rate ends with the time")
      ->excludes("--samples");
  app->add_option("--batch", options->batch, "Patterns a step, of each process")->capture_default_str();
  app->add_option("--rate", options->rate,
                  "Highest learning rate; default: 0.003 for adam and adamw, 0.01 for sgd");
  app->add_option(
         "--loss", options->loss,
         "wu2021 (that network alone), twin_aware, or without looking at the objects: fourier_pearson, "
         "poisson; default: twin_aware for flash, wu2021 for wu2021")
      ->check(CLI::IsMember({"wu2021", "twin_aware", "fourier_pearson", "poisson"}));
  app->add_option("--optimizer", options->optimizer,
                  "adam, adamw or sgd; default: adam for flash, sgd for wu2021")
      ->check(CLI::IsMember({"adam", "adamw", "sgd"}));
  app->add_option("--schedule", options->schedule,
                  "Of the rate: cosine to 0, or steps: times 0.95 after each twentieth, as in the paper; "
                  "default: steps for sgd, else cosine")
      ->check(CLI::IsMember({"cosine", "steps"}));
  app->add_option("--warm-up", options->warm_up,
                  "Steps in which the rate rises to its highest; default: 500 for cosine, else 0");
  app->add_option(
         "--ema", options->ema,
         "The model holds the moving average of the weights with this decay, say 0.999; 0 = the weights")
      ->capture_default_str();
  app->add_option(
         "--augment", options->augment,
         "Of drawn objects: none, turns (by 90 degrees, mirrored) or twins (their phases reversed, too); "
         "photons, masks and centre are the recipe's")
      ->check(CLI::IsMember({"none", "turns", "twins"}))
      ->capture_default_str();
  app->add_option("--weight-decay", options->weight_decay, "Of adamw; default: 0.01");
  app->add_option("--modulus-weight", options->modulus_weight,
                  "Weight of the modulus beside the object; default: 3 for twin_aware, 4 for wu2021");
  app->add_option("--backend", options->backend, "cpu or cuda")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  app->add_option("--threads", options->threads,
                  "Threads that make the patterns; on the CPU those of the network, too")
      ->capture_default_str();
  app->add_option("--seed", options->seed, "Seed of weights and samples")->capture_default_str();
  app->add_option("--channels", options->channels,
                  "Of the first level; default: 16 for flash, 32 for wu2021");
  app->add_option("--physics-layers", options->physics_layers, "Of flash; default: 6");
  app->add_option("--physics-channels", options->physics_channels, "Of flash; default: 16");
  app->add_flag("--mixed-precision", options->mixed_precision, "Convolutions in bfloat16");
  app->add_option("--stop-after-steps", options->stop_after_steps,
                  "End early, ready to resume; 0 = go to the end")
      ->capture_default_str();
  app->add_option("--checkpoint-seconds", options->checkpoint_seconds, "Time between two saves")
      ->capture_default_str();
  app->add_option("--record-steps", options->record_steps,
                  "Steps between two points of the curve, which OUTPUT.csv holds")
      ->capture_default_str();
  app->add_option("--tensorboard", options->tensorboard,
                  "Folder for the curve as event files of TensorBoard");
  auto* overwrite =
      app->add_flag("--overwrite", options->overwrite, "Replace OUTPUT where it is there already");
  auto* resume =
      app->add_flag("--resume", options->resume, "Go on from OUTPUT and OUTPUT.state")->excludes(overwrite);
  app->add_option("--from", options->from,
                  "Begin with the weights of this model (same channels, at most as many physics layers)")
      ->excludes(resume);
  app->footer(
      "Many processes train together when torchrun or Slurm's srun starts them (WORLD_SIZE, RANK, "
      "MASTER_ADDR, "
      "MASTER_PORT; on the CPU, over Gloo).");
  app->callback([options] {
    options->place = place_of([](const char* name) { return std::getenv(name); });
    fit(*options);
  });
}

}  // namespace flashphase::trainer
