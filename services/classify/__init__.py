"""Says which PAPI indicator a feedback is about; owns the review desk."""
