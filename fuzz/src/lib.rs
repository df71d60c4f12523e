//! What the fuzz targets do with arbitrary bytes. The crates' own tests run the same on the stable toolchain.

pub mod rendering;
