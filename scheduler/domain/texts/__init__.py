"""The texts of the center, Korean and English, by what they speak of."""
