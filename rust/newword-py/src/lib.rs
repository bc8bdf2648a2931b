//! `newword._newword`: the core for Python. Types are converted here, nothing is computed.

#![allow(clippy::needless_pass_by_value, reason = "pyo3 hands extracted arguments over by value")]

mod arrow;
mod counting;
mod discovery;
mod door;
mod errors;
mod generation;
mod items;
mod linking;
mod options;
mod partial_counts;
mod remote;
mod result;
mod segmenter;
mod source;
mod strings;
mod tagging;
mod text;
mod words;

use pyo3::prelude::*;

/// The compiled core of `newword`; use the functions of `newword` instead.
#[pymodule]
fn _newword(module: &Bound<'_, PyModule>) -> PyResult<()> {
    load_numpy(module.py())?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<segmenter::Segmenter>()?;
    module.add_class::<words::Words>()?;
    module.add_class::<linking::KnowledgeBase>()?;
    module.add_class::<linking::NameSet>()?;
    module.add_class::<generation::TokenTrie>()?;
    module.add_class::<generation::BeamSearch>()?;
    module.add_class::<generation::Sampler>()?;
    module.add_class::<generation::BidirectionalBeamSearch>()?;
    module.add_function(wrap_pyfunction!(words::read_dictionary, module)?)?;
    module.add_function(wrap_pyfunction!(build_profile, module)?)?;
    module.add_function(wrap_pyfunction!(discovery::discover, module)?)?;
    module.add_function(wrap_pyfunction!(discovery::count_words, module)?)?;
    module.add_function(wrap_pyfunction!(discovery::train_segmenter, module)?)?;
    module.add_function(wrap_pyfunction!(counting::count_ngrams, module)?)?;
    module.add_function(wrap_pyfunction!(counting::merge_counts, module)?)?;
    module.add_function(wrap_pyfunction!(counting::score_counts, module)?)?;
    module.add_function(wrap_pyfunction!(counting::count_file_summary, module)?)?;
    module.add_function(wrap_pyfunction!(partial_counts::alphabet_name, module)?)?;
    module.add_function(wrap_pyfunction!(partial_counts::memory_bytes, module)?)?;
    module.add_function(wrap_pyfunction!(partial_counts::available_memory, module)?)?;
    module.add_class::<text::EncodedText>()?;
    module.add_class::<text::GroupFiles>()?;
    module.add_function(wrap_pyfunction!(partial_counts::merge_for_sums, module)?)?;
    module.add_function(wrap_pyfunction!(partial_counts::write_columns, module)?)?;
    module.add_class::<partial_counts::CountRows>()?;
    module.add_class::<remote::RemoteCounts>()?;
    module.add_class::<remote::Sums>()?;
    module.add_class::<remote::Pass>()?;
    module.add_function(wrap_pyfunction!(remote::needed_counts, module)?)?;
    module.add_function(wrap_pyfunction!(remote::right_sums, module)?)?;
    module.add_function(wrap_pyfunction!(remote::shares, module)?)?;
    module.add_function(wrap_pyfunction!(tagging::viterbi, module)?)?;
    module.add_function(wrap_pyfunction!(tagging::beam_search, module)?)?;
    module.add_function(wrap_pyfunction!(tagging::posterior_decode, module)?)?;
    module.add_function(wrap_pyfunction!(tagging::k_best, module)?)?;
    module.add_function(wrap_pyfunction!(tagging::log_partition, module)?)?;
    module.add_function(wrap_pyfunction!(tagging::marginals, module)?)?;
    module.add_function(wrap_pyfunction!(tagging::path_score, module)?)?;
    module.add_function(wrap_pyfunction!(tagging::sample_paths, module)?)?;
    module.add_function(wrap_pyfunction!(tagging::local_emissions, module)?)?;
    Ok(())
}

/// Loads the C interface of `NumPy` now. Its first use would load it, where an exception that arrives
/// meanwhile, as Ctrl-C does, can only be a panic.
fn load_numpy(py: Python<'_>) -> PyResult<()> {
    // What runs Python code, and so can be interrupted, fails here as an exception.
    numpy::get_array_module(py)?;
    numpy::PyArray1::<u8>::zeros(py, 0, false);
    Ok(())
}

/// "release" or "debug": a benchmark refuses the latter.
#[pyfunction]
fn build_profile() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}
