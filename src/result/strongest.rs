//! The samples at which sites are strongest and weakest.

use serde::{Deserialize, Serialize};

use crate::choice::SiteMeasure;

/// The samples at which sites have their largest and smallest values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Strongest {
    /// What is ranked: `activation`, or `output norm` of a component: the Euclidean norm of
    /// what it writes into the stream at one position.
    pub measure: SiteMeasure,
    /// Most samples listed at either end.
    pub each: usize,
    /// Sites of the network; the list may hold fewer.
    pub sites_total: usize,
    /// The listed sites, outputs first.
    pub sites: Vec<Extremes>,
    /// Rows and columns of a sample, where samples are images.
    pub image: Option<[usize; 2]>,
    /// Names of the numbers of a sample, or of each of its positions; empty where the data name none.
    pub features: Vec<String>,
    /// Every sample that a site lists, once, in the order in which sites name them.
    pub samples: Vec<Sample>,
}

/// The ends of one site's values over the samples.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Extremes {
    /// Name of the site.
    pub site: String,
    /// From the largest down; empty, as `smallest` is, where all samples have the same value.
    pub largest: Vec<Extreme>,
    /// From the smallest up.
    pub smallest: Vec<Extreme>,
}

/// The value of a site in one sample.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Extreme {
    /// The sample, from 0.
    pub sample: usize,
    /// The position of it that has the value, from 0; absent where samples have one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    /// The value.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub value: f64,
}

/// A sample: what goes in, what should come out and what does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Sample {
    /// The sample, from 0.
    pub sample: usize,
    /// The name of its class; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The class that the network as it is decides for; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// Its targets, by output site; empty where there are none.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::number"
    )]
    pub targets: Vec<f64>,
    /// The outputs of the network as it is, where they are numbers; NaN is written as `null`.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::number"
    )]
    pub outputs: Vec<Option<f64>>,
    /// Its tokens as text; empty where it has none or it is left out for its size.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<String>,
    /// Its numbers, as the data have them; empty where it has none or it is left out for its size.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::number"
    )]
    pub inputs: Vec<f64>,
}
