//! The autonomy method: the words of an unsupervised segmentation.

use super::score::{Evidence, Row};
use super::sift::{Candidate, Sieve};
use super::words::Summary;
use crate::corpus::Relabelled;
use crate::ngram::Links;
use crate::segmentation::unsupervised::{Model, UnsupervisedMethod, UnsupervisedOptions};
use crate::support::{Context, Result};

/// Proposes the words of the segmentation that the corpus's own n-grams lead to.
///
/// # Errors
/// Reading the corpus failed; [`Error::Memory`](crate::support::Error::Memory);
/// [`Error::Cancelled`](crate::support::Error::Cancelled).
pub fn propose_words(
    corpus: &Relabelled<'_>,
    evidence: &Evidence<'_>,
    links: &Links,
    sieve: &mut Sieve<'_>,
    summary: &mut Summary,
    context: &Context,
) -> Result<()> {
    let (method, passes) = (UnsupervisedMethod::default(), UnsupervisedOptions::default().passes);
    let Evidence { table, cohesion, .. } = evidence;
    let mut model = Model::new(table, links, cohesion, method, context)?;
    model.estimate(corpus, passes, context)?;
    for (n, row, count) in model.used() {
        summary.segments += count;
        sieve.propose(&Candidate { count, ..Candidate::of_row(evidence, Row { n, row }) });
    }
    Ok(())
}
