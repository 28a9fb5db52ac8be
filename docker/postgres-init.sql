CREATE DATABASE emobility_bridge;
