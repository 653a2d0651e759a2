"""Operations on pictures: resampling, masks, color maps, color profiles."""
