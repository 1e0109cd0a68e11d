package main

// Main exports main.
var Main = main
