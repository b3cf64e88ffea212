//! Many scenarios: finds, loads and runs them side by side, and hands out their outcomes in the order of the files.
