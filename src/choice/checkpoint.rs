//! What checkpoints are.

/// How a framework names and stores the tensors of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// BIMT's MLPs: `linears.{i}.linear.weight`, permutations beside them.
    BimtMlp,
    /// Any chain of linear layers.
    PlainMlp,
    /// BIMT's transformers: `l_i.linear.weight`, `blocks.{i}.attn…`.
    BimtTransformer,
    /// TransformerLens: `blocks.{l}.attn.W_Q`.
    TransformerLens,
    /// Hugging Face's GPT-2.
    Gpt2,
    /// Another of Hugging Face's families.
    HuggingFace,
    /// nanoGPT and minGPT.
    NanoGpt,
    /// A network whose configuration says its structure: convolutional, recurrent.
    Layered,
    /// No network: a weighted graph from elsewhere.
    Graph,
}

named! {
    Layout: "layout" {
        BimtMlp = "bimt-mlp",
        PlainMlp = "plain-mlp",
        BimtTransformer = "bimt-transformer",
        TransformerLens = "transformer-lens",
        Gpt2 = "gpt2",
        HuggingFace = "hugging-face",
        NanoGpt = "nanogpt",
        Layered = "layered",
        Graph = "graph",
    }
}
