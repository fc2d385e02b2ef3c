global using ArrayStore = CcwFs.Fuzz.ArrayStore;
