"""Images as arrays: decoding, a memory map of bytes, statistics, batches, augmentation. Explained in chapter 04."""
