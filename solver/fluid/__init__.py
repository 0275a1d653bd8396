"""The round without whole gang-hours: merged, levelled, as flows and as linear programs."""
