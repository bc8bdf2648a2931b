//! The memory budget: how many bytes the tables that grow with the corpus may take together.

use super::{Error, Result};

/// A number of bytes that a job exceeds by at most 20 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryBudget(u64);

impl MemoryBudget {
    /// The smallest budget that is accepted.
    pub const LEAST: u64 = 64_000_000;

    /// A budget of `bytes`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] below [`MemoryBudget::LEAST`].
    pub fn new(bytes: u64) -> Result<Self> {
        if bytes < Self::LEAST {
            return Err(Error::invalid(
                "memory",
                "must be at least 64MB",
                format!("{bytes} bytes"),
            ));
        }
        Ok(Self(bytes))
    }

    /// Half of the available memory of the system, but at least [`MemoryBudget::LEAST`].
    pub fn share_of_available() -> Self {
        Self((Self::available() / 2).max(Self::LEAST))
    }

    /// The bytes that are free: of the system, or of the container if that has fewer.
    pub fn available() -> u64 {
        let mut system = sysinfo::System::new();
        system.refresh_memory();
        match system.cgroup_limits() {
            Some(limits) => system.available_memory().min(limits.free_memory),
            None => system.available_memory(),
        }
    }

    /// The budget in bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

impl std::str::FromStr for MemoryBudget {
    type Err = Error;

    /// Reads `2GB`, `500 MB`, `1.5GiB`, `800000000`: decimal units are powers of 1000, units with
    /// an `i` powers of 1024, a bare number counts bytes.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid(
                "memory",
                "must be a size such as \"2GB\", \"512MiB\"",
                format!("{text:?}"),
            )
        };
        let trimmed = text.trim();
        let digits =
            trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(digits);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let factor = match unit.trim().to_ascii_uppercase().as_str() {
            "" | "B" => 1.0,
            "K" | "KB" => 1e3,
            "M" | "MB" => 1e6,
            "G" | "GB" => 1e9,
            "T" | "TB" => 1e12,
            "KIB" => 1024.0,
            "MIB" => 1024.0 * 1024.0,
            "GIB" => 1024.0 * 1024.0 * 1024.0,
            "TIB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
            _ => return Err(wrong()),
        };
        let bytes = number * factor;
        if !bytes.is_finite() || bytes >= 9e18 {
            return Err(wrong());
        }
        // Checked just above: finite, not negative (no sign is parsed), below 2^63.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Self::new(bytes as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        let read = |text: &str| text.parse::<MemoryBudget>().map(MemoryBudget::bytes);
        assert_eq!(read("2GB").unwrap(), 2_000_000_000);
        assert_eq!(read("1.5 GiB").unwrap(), 1_610_612_736);
        assert_eq!(read("100000000").unwrap(), 100_000_000);
        for wrong in ["", "GB", "-1GB", "2XB", "1e3", "1KB", "nan", "1.2.3GB"] {
            assert!(read(wrong).is_err(), "{wrong:?} was taken");
        }
    }
}
